# A component is a static library with an alias rik::NAME, warnings in developer mode, and headers that compile alone.
function(rik_component target)
  string(REGEX REPLACE "^rik_" "" name ${target})
  add_library(${target} STATIC)
  add_library(rik::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  rik_unity(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  rik_warnings(${target})
endfunction()

# Compiles several sources at once, since most of the work is in what they include: a whole build takes half the time.
function(rik_unity target)
  if(RIK_UNITY_BUILD)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # takes every included source for a header
    endif()
  endif()
endfunction()

function(rik_warnings target)
  if(RIK_DEVELOPER_MODE)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # g++ 12 warns falsely inside Boost.JSON and std::string at -O2.
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-mismatched-new-delete)
    endif()
  endif()
endfunction()

# rik_sources(rik FOLDER base HEADERS error.hpp ... SOURCES quantity.cpp ...): headers are those of include/rik/FOLDER.
function(rik_sources target)
  cmake_parse_arguments(arg "" "FOLDER" "HEADERS;SOURCES" ${ARGN})
  list(TRANSFORM arg_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/rik/${arg_FOLDER}/)
  list(TRANSFORM arg_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${arg_HEADERS})
  if(arg_SOURCES)
    target_sources(${target} PRIVATE ${arg_SOURCES})
  endif()
endfunction()
