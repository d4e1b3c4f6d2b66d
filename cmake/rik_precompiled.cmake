# Headers of others, parsed once for many programs. ccache must know that a precompiled header stands for its text;
# so that nobody has to configure it, the targets tell it themselves.
set(rik_asio_headers
  <boost/asio/any_io_executor.hpp> <boost/asio/associated_cancellation_slot.hpp> <boost/asio/awaitable.hpp>
  <boost/asio/bind_cancellation_slot.hpp> <boost/asio/buffer.hpp> <boost/asio/cancellation_signal.hpp>
  <boost/asio/co_spawn.hpp> <boost/asio/deferred.hpp> <boost/asio/dispatch.hpp>
  <boost/asio/executor_work_guard.hpp> <boost/asio/experimental/awaitable_operators.hpp>
  <boost/asio/experimental/parallel_group.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp>
  <boost/asio/steady_timer.hpp> <boost/asio/this_coro.hpp> <boost/asio/thread_pool.hpp>
  <boost/asio/use_awaitable.hpp> <boost/asio/use_future.hpp> <boost/system/result.hpp>)
set(rik_common_headers
  <fmt/format.h> <algorithm> <array> <charconv> <chrono> <deque> <filesystem> <fstream> <functional> <iterator> <map>
  <memory> <optional> <set> <span> <sstream> <stdexcept> <string> <string_view> <thread> <unordered_map> <utility>
  <variant> <vector>)

# rik_precompile(HOLDER HEADERS <a.hpp> ... LIBRARIES fmt::fmt ... OPTIONS -O1): HOLDER has the precompiled headers, for
# targets with the same definitions and options.
function(rik_precompile holder)
  cmake_parse_arguments(arg "" "" "HEADERS;LIBRARIES;OPTIONS" ${ARGN})
  if(NOT RIK_PRECOMPILED_HEADERS)
    return()
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${holder}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Only for its precompiled headers.\n")
  add_library(${holder} OBJECT ${source})
  target_link_libraries(${holder} PRIVATE ${arg_LIBRARIES})
  rik_warnings(${holder})  # -Wpedantic changes what g++ predefines
  target_compile_options(${holder} PRIVATE ${arg_OPTIONS})
  target_precompile_headers(${holder} PRIVATE ${arg_HEADERS})
  rik_tell_ccache(${holder})
endfunction()

# rik_precompiled(TARGET HOLDER): each source of TARGET begins with the headers of HOLDER.
function(rik_precompiled target holder)
  if(TARGET ${holder})
    target_precompile_headers(${target} REUSE_FROM ${holder})
    rik_tell_ccache(${target})
  endif()
endfunction()

function(rik_tell_ccache target)
  if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$")
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER
      "env;CCACHE_SLOPPINESS=pch_defines,time_macros;${CMAKE_CXX_COMPILER_LAUNCHER}")
  endif()
endfunction()
