# Builds and runs the consumer of directory WAY in DIRECTORY; for find_package, installs rik below DIRECTORY first.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed: ${command}")
  endif()
endfunction()

string(REPLACE "|" ";" options "${CXX_OPTIONS}")
list(JOIN options " " options)
set(prefix ${DIRECTORY}/prefix)
if(WAY STREQUAL "find_package")
  file(REMOVE_RECURSE ${prefix} ${DIRECTORY}/journal)  # an older build may have written it
  run(${CMAKE_COMMAND} --install ${RIK_BINARY_DIR} --prefix ${prefix})
endif()

# --fresh: an older cache could hold the answer to find_package.
run(${CMAKE_COMMAND} --fresh -G ${GENERATOR} -S ${CMAKE_CURRENT_LIST_DIR}/${WAY} -B ${DIRECTORY}
  -D CMAKE_PREFIX_PATH=${prefix} -D RIK_SOURCE_DIR=${RIK_SOURCE_DIR} -D CMAKE_CXX_COMPILER=${CXX_COMPILER}
  -D CMAKE_CXX_COMPILER_LAUNCHER=${CXX_COMPILER_LAUNCHER} -D CMAKE_BUILD_TYPE=${BUILD_TYPE}
  -D RIK_UNITY_BUILD=${UNITY_BUILD}
  "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}" "-DCMAKE_CXX_FLAGS_RELEASE=${CXX_FLAGS_RELEASE}" "-DRIK_OPTIONS=${options}")
run(${CMAKE_COMMAND} --build ${DIRECTORY} --target consumer)
run(${DIRECTORY}/consumer)
run(${CMAKE_CTEST_COMMAND} --test-dir ${DIRECTORY} --output-on-failure --no-tests=error)
