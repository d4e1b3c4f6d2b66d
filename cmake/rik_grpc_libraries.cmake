# gRPC and protobuf, linked statically: a role that uses no gRPC then pays for none of it, at start or in memory.
# Debian's CMake files name the shared libraries only, so the static ones are found by the names in its pkg-config files.
find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
pkg_check_modules(grpc_unsecure REQUIRED grpc++_unsecure)
pkg_check_modules(protobuf_lite REQUIRED protobuf-lite)
find_package(ZLIB REQUIRED)

set(rik_grpc_archives)
foreach(name ${grpc_unsecure_STATIC_LIBRARIES} address_sorting upb cares re2 ${protobuf_lite_STATIC_LIBRARIES})
  find_library(rik_archive_${name} NAMES lib${name}.a)
  mark_as_advanced(rik_archive_${name})
  if(rik_archive_${name})
    list(APPEND rik_grpc_archives ${rik_archive_${name}})
  endif()
endforeach()
list(REMOVE_DUPLICATES rik_grpc_archives)

add_library(rik_grpc_libraries INTERFACE)
target_link_libraries(rik_grpc_libraries INTERFACE
  "$<LINK_GROUP:RESCAN,${rik_grpc_archives}>" ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS})
set(rik_link_libraries rik_grpc_libraries)
