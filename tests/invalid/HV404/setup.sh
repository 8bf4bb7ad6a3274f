# SPDX-License-Identifier: Apache-2.0
ln -s c.yaml m/d.yaml
