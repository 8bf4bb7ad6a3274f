# SPDX-License-Identifier: Apache-2.0
mkdir -p repo/m && cd repo
git init -q -b main .
git remote add origin https://git.example.com/ops/gpu.git
cp ../one.yaml m/a.yaml
git add . && git commit -q -m first && git tag first
cp ../two.yaml m/a.yaml
git commit -q -a -m second && git tag second
