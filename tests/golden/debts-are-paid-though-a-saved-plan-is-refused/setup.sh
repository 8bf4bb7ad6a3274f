# SPDX-License-Identifier: Apache-2.0
# Before the run that stopped cad-01 and died: what the plans are made from.
sed -e '/debt: /d' -e '/name: cad-01/,/adapters/ s/"Off"/Running/' world.yaml >before.yaml
for n in 1 2 3 4; do cp world.yaml "w$n.yaml"; done
# It pays the debt itself, and stops cad-02 besides.
cp -r m more
sed -i 's|{ name: cad-01 }|&, { name: cad-02 }|' more/*.yaml
