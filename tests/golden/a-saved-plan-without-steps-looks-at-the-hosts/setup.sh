# SPDX-License-Identifier: Apache-2.0
# Manifests that ask for what is there already; then one of the nodes does not answer.
cp -r "$EXAMPLES/failover/manifests" m
sed -i 's/partitionCount: 8/partitionCount: 4/' m/*.yaml
cp "$EXAMPLES/failover/world.yaml" world.yaml
cp world.yaml gone.yaml
printf -- '---\napiVersion: hvgpu.dev/v1alpha1\nkind: Simulation\nmetadata: { name: s }\nspec: { unreachable: [hv03] }\n' >>gone.yaml
