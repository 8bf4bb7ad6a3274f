# SPDX-License-Identifier: Apache-2.0
command -v kubectl >/dev/null || exit 77
for city in paris lyon; do
	kubectl kustomize "$EXAMPLES/overlays/$city" -o "$city.yaml" 2>/dev/null
	cp "$EXAMPLES/overlays/$city/world.yaml" "$city-world.yaml"
done
