# SPDX-License-Identifier: Apache-2.0
git init -q -b main m
git -C m add .
git -C m commit -q -m first
sed -i 's/partitionCount: 4/partitionCount: 8/' m/c.yaml
git -C m commit -qam second
