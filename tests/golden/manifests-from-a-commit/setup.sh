# SPDX-License-Identifier: Apache-2.0
git init -q -b main m
git -C m add .
git -C m commit -q -m first
echo 'broken: [' >m/c.yaml
git -C m commit -q -a -m second
