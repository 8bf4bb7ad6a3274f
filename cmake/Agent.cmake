# SPDX-License-Identifier: Apache-2.0
# The agent for Hyper-V hosts is made one script, HVGPU_AGENT, and compiled in.
set(HVGPU_AGENT ${CMAKE_BINARY_DIR}/agent.ps1)
file(GLOB agent_parts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/providers/host/hyperv/agent/*)
add_custom_command(OUTPUT ${HVGPU_AGENT} ${CMAKE_BINARY_DIR}/agent.c
  COMMAND ${CMAKE_COMMAND} -DAGENT=${CMAKE_SOURCE_DIR}/providers/host/hyperv/agent -DSCRIPT=${HVGPU_AGENT}
    -DSOURCE=${CMAKE_BINARY_DIR}/agent.c -P ${CMAKE_SOURCE_DIR}/cmake/JoinAgent.cmake
  DEPENDS ${agent_parts} ${CMAKE_SOURCE_DIR}/cmake/JoinAgent.cmake)
target_sources(hvgpu_providers PRIVATE ${CMAKE_BINARY_DIR}/agent.c)
