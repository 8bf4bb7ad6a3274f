# SPDX-License-Identifier: Apache-2.0
# A plan that is stale afterwards, and a host that does not answer.
mkdir fits
sed 's/partitionCount: 3/partitionCount: 2/' m/cluster.yaml >fits/cluster.yaml
sed -e '/debt: /d' -e '/name: cad-01/,/adapters/ s/"Off"/Running/' world.yaml >before.yaml
sed 's/cad-01/cad-77/' before.yaml >other.yaml
cp world.yaml gone.yaml
printf -- '---\napiVersion: hvgpu.dev/v1alpha1\nkind: Simulation\nmetadata: { name: s }\nspec: { unreachable: [hv01] }\n' >>gone.yaml
