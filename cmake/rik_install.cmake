# Installation and the package files for find_package(rik).
option(RIK_INSTALL "Install the libraries, their headers and the files for find_package(rik)" ${PROJECT_IS_TOP_LEVEL})
if(NOT RIK_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)

set(rik_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rik)
install(TARGETS rik ${rik_adapters} ${rik_link_libraries} EXPORT rik_targets FILE_SET HEADERS)
install(EXPORT rik_targets NAMESPACE rik:: FILE rikTargets.cmake DESTINATION ${rik_package_dir})

configure_package_config_file(cmake/rikConfig.cmake.in ${PROJECT_BINARY_DIR}/rikConfig.cmake
  INSTALL_DESTINATION ${rik_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rikConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/rikConfig.cmake ${PROJECT_BINARY_DIR}/rikConfigVersion.cmake
  DESTINATION ${rik_package_dir})
