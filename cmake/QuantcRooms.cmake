# How a room becomes a library, and how its tests become programs.
#
# add_quantc_library(QuantcRoom a.cpp b.cpp [MLIR] [LINK lib...] [DEPENDS target...])
#   An object library; all rooms together make the one shared library libQuantc.
#   MLIR: the room includes MLIR's headers, so it uses the shared precompiled
#   header and waits for the TableGen'd headers.
#
# add_quantc_unittest(name a.cpp... [MLIR] [LINK lib...])
#   A GoogleTest program in build/bin/unittests/.
include_guard()

set(QUANTC_ROOMS "" CACHE INTERNAL "object libraries of all rooms")
set(QUANTC_ROOM_LINKS "" CACHE INTERNAL "libraries that rooms need beside MLIR")

function(add_quantc_library name)
  cmake_parse_arguments(ROOM "MLIR" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} OBJECT ${ROOM_UNPARSED_ARGUMENTS})
  if(ROOM_MLIR)
    add_dependencies(${name} QuantcTableGen)
    # QuantcDialect owns the precompiled header (the costly MLIR includes).
    if(NOT name STREQUAL "QuantcDialect")
      target_precompile_headers(${name} REUSE_FROM QuantcDialect)
    endif()
  endif()
  if(ROOM_DEPENDS)
    add_dependencies(${name} ${ROOM_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ROOM_LINK})
  set(QUANTC_ROOMS "${QUANTC_ROOMS};${name}" CACHE INTERNAL "")
  set(QUANTC_ROOM_LINKS "${QUANTC_ROOM_LINKS};${ROOM_LINK}" CACHE INTERNAL "")
endfunction()

# A tool or test program over the whole compiler (libQuantc).
function(add_quantc_tool name)
  cmake_parse_arguments(TOOL "MLIR" "" "LINK" ${ARGN})
  add_executable(${name} ${TOOL_UNPARSED_ARGUMENTS})
  if(TOOL_MLIR)
    add_dependencies(${name} QuantcTableGen)
    # Not -fPIE, which CMake gives programs: the precompiled header is -fPIC.
    target_compile_options(${name} PRIVATE -fPIC)
    target_precompile_headers(${name} REUSE_FROM QuantcDialect)
  endif()
  target_link_libraries(${name} PRIVATE Quantc MLIR LLVM ${TOOL_LINK})
endfunction()

function(add_quantc_unittest name)
  cmake_parse_arguments(TEST "MLIR" "" "LINK" ${ARGN})
  add_executable(${name} ${TEST_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin/unittests")
  if(TEST_MLIR)
    add_dependencies(${name} QuantcTableGen)
    # Not -fPIE, which CMake gives programs: the precompiled header is -fPIC.
    target_compile_options(${name} PRIVATE -fPIC)
    target_precompile_headers(${name} REUSE_FROM QuantcDialect)
  endif()
  target_link_libraries(${name} PRIVATE Quantc MLIR LLVM GTest::gtest_main
                        ${TEST_LINK})
  set_property(GLOBAL APPEND PROPERTY QUANTC_UNITTESTS ${name})
endfunction()
