/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent, the parts of agent/ joined by cmake/JoinAgent.cmake: what is sent to a Hyper-V host. How is in docs/agent-protocol.md.
 */
#pragma once

extern const char agent_script[];    /* ASCII, lines ended by \n; its SHA-256 is that of these bytes without the NUL */
extern const char agent_bootstrap[]; /* with @SHA256@ to be replaced */
extern const char agent_sha256[];    /* of agent_script, in hex */
