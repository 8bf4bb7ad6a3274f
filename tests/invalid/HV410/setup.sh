# SPDX-License-Identifier: Apache-2.0
echo 'gitdir: nowhere' >m/.git
