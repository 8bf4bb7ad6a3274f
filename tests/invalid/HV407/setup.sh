# SPDX-License-Identifier: Apache-2.0
git init -q -b main m
git -C m add .
git -C m commit -q -m first
object=$(git -C m rev-parse main:c.yaml)
rm -f "m/.git/objects/${object:0:2}/${object:2}"
