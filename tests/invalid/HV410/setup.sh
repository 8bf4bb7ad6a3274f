# SPDX-License-Identifier: Apache-2.0
git init -q -b main m
git -C m add .
git -C m commit -q -m first
git -C m config core.repositoryformatversion 99
