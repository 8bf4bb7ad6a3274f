# SPDX-License-Identifier: Apache-2.0
# Where the lock file should be nothing can be opened for writing.
mkdir world.yaml.lock
