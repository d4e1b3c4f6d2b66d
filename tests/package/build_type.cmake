# Configures rik below DIRECTORY in the ways that a packager and an embedding project do, and looks at how it is compiled.
function(configure source name)
  file(REMOVE_RECURSE ${DIRECTORY}/${name})
  set(ENV{CMAKE_BUILD_TYPE})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${source} -B ${DIRECTORY}/${name} -D CMAKE_CXX_COMPILER=${CXX_COMPILER}
            -D CMAKE_EXPORT_COMPILE_COMMANDS=ON -D RIK_SOURCE_DIR=${RIK_SOURCE_DIR} ${ARGN}
    RESULT_VARIABLE status OUTPUT_QUIET)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${name}: cannot be configured")
  endif()
endfunction()

# The command of one source of the library must match `pattern`.
function(expect name pattern)
  file(READ ${DIRECTORY}/${name}/compile_commands.json commands)
  string(REGEX MATCH "\"command\": \"[^\n]*src/base/error.cpp\"" command "${commands}")
  if(NOT command)
    message(FATAL_ERROR "${name}: src/base/error.cpp is not compiled")
  endif()
  if(NOT command MATCHES "${pattern}")
    message(FATAL_ERROR "${name}: expected ${pattern} in ${command}")
  endif()
endfunction()

set(package -D RIK_DEVELOPER_MODE=OFF -D RIK_PROGRAMS=ON)
set(optimized " -O[23] ")

configure(${RIK_SOURCE_DIR} said_nothing -G ${GENERATOR} ${package})
expect(said_nothing "${optimized}")

configure(${RIK_SOURCE_DIR} said_debug -G ${GENERATOR} ${package} -D CMAKE_BUILD_TYPE=Debug)
expect(said_debug " -g ")

configure(${RIK_SOURCE_DIR} said_none -G ${GENERATOR} ${package} -D CMAKE_BUILD_TYPE=None)
configure(${CMAKE_CURRENT_LIST_DIR}/add_subdirectory included -G ${GENERATOR})
foreach(name said_none included)
  file(READ ${DIRECTORY}/${name}/compile_commands.json commands)
  if(commands MATCHES " -O[1-9s]| -DNDEBUG")
    message(FATAL_ERROR "${name}: somebody has chosen a build type for it")
  endif()
endforeach()
