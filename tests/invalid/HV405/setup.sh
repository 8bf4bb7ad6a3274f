# SPDX-License-Identifier: Apache-2.0
head -c 17000000 /dev/zero | tr '\0' '#' >m/d.yaml
