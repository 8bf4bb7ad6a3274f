# SPDX-License-Identifier: Apache-2.0
# hvgpu_layer(NAME): the folder NAME as a static library that may use the layers declared before it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(DEPS REQUIRED IMPORTED_TARGET glib-2.0>=2.74 jansson>=2.14 yaml-0.1>=0.2.5)
pkg_check_modules(GIT2 REQUIRED IMPORTED_TARGET libgit2>=1.5)

set(HVGPU_BELOW "" CACHE INTERNAL "")
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_library(hvgpu_options INTERFACE)
# A release is built by compilers that warn of other things than those that it is developed with.
target_compile_options(hvgpu_options INTERFACE -Wall -Wextra $<$<NOT:$<CONFIG:Release>>:-Werror> -Wno-missing-field-initializers
  -Wno-sign-compare -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla -fno-omit-frame-pointer)
target_compile_definitions(hvgpu_options INTERFACE _GNU_SOURCE HVGPU_VERSION="${PROJECT_VERSION}"
  $<$<BOOL:${ARENA_DEBUG}>:ARENA_DEBUG>)
target_include_directories(hvgpu_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
if(SANITIZE)
  target_compile_options(hvgpu_options INTERFACE -fsanitize=${SANITIZE} -fno-sanitize-recover=all)
  target_link_options(hvgpu_options INTERFACE -fsanitize=${SANITIZE})
endif()
if(FUZZ)
  target_compile_options(hvgpu_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(hvgpu_layer name)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
  if(NOT files)
    add_library(hvgpu_${name} INTERFACE)
    target_link_libraries(hvgpu_${name} INTERFACE ${HVGPU_BELOW} hvgpu_options PkgConfig::DEPS m)
    set(HVGPU_BELOW hvgpu_${name} CACHE INTERNAL "")
    return()
  endif()
  add_library(hvgpu_${name} STATIC ${files})
  target_link_libraries(hvgpu_${name} PUBLIC ${HVGPU_BELOW} hvgpu_options PkgConfig::DEPS m)
  if(name STREQUAL providers)
    target_link_libraries(hvgpu_${name} PRIVATE PkgConfig::GIT2)
  endif()
  set(HVGPU_BELOW hvgpu_${name} CACHE INTERNAL "")
endfunction()
