# SPDX-License-Identifier: Apache-2.0
# The agent's parts, in the order of parts.txt, as one script, and as C source together with its bootstrap:
#   cmake -DAGENT=FOLDER -DSCRIPT=FILE.ps1 -DSOURCE=FILE.c -P JoinAgent.cmake
file(STRINGS ${AGENT}/parts.txt parts)
set(files)
foreach(part ${parts})
  list(APPEND files ${AGENT}/${part}.ps1)
endforeach()

# file(READ) would take brackets and semicolons for lists; cat does not look inside.
execute_process(COMMAND ${CMAKE_COMMAND} -E cat ${files} OUTPUT_FILE ${SCRIPT} COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 ${SCRIPT} hash)

function(c_bytes file out)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  set(${out} "${hex}" PARENT_SCOPE)
endfunction()

c_bytes(${SCRIPT} script)
c_bytes(${AGENT}/bootstrap.ps1 bootstrap)
file(WRITE ${SOURCE} "/* made by cmake/JoinAgent.cmake */
#include \"providers/host/hyperv/agent.h\"

const char agent_script[] = {
${script} 0 };
const char agent_bootstrap[] = {
${bootstrap} 0 };
const char agent_sha256[] = \"${hash}\";
")
