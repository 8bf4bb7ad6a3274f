# SPDX-License-Identifier: Apache-2.0
cp -r "$EXAMPLES/failover/." .
