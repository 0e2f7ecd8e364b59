# Headers, libraries, CMake package and pkg-config file. Everything installed is relocatable.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY NANOGRID_LIBRARIES)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/NanoGrid)

install(TARGETS ${libraries} EXPORT NanoGridTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${NanoGrid_SOURCE_DIR}/include/nanogrid
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET nanogrid)
  install(TARGETS nanogrid nanogrid-controller nanogrid-worker RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# find_package(NanoGrid 0.1 COMPONENTS …). Before 1.0 a minor version may change the interface.
install(EXPORT NanoGridTargets NAMESPACE nanogrid:: DESTINATION ${package_dir})
set(NANOGRID_COMPONENTS ${libraries})
list(TRANSFORM NANOGRID_COMPONENTS REPLACE "^nanogrid_" "")
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/NanoGridConfig.cmake.in
  ${PROJECT_BINARY_DIR}/NanoGridConfig.cmake INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/NanoGridConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/NanoGridConfig.cmake
  ${PROJECT_BINARY_DIR}/NanoGridConfigVersion.cmake DESTINATION ${package_dir})

# nanogrid.pc: the static libraries, each before those it needs. Its prefix is found from where the
# file lies.
set(NANOGRID_PC_LIBS "")
foreach(library IN LISTS libraries)
  get_target_property(type ${library} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(PREPEND NANOGRID_PC_LIBS -l${library})
  endif()
endforeach()
list(JOIN NANOGRID_PC_LIBS " " NANOGRID_PC_LIBS)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE NANOGRID_PC_LIBDIR)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE NANOGRID_PC_INCLUDEDIR)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE NANOGRID_PC_UP)
configure_file(${CMAKE_CURRENT_LIST_DIR}/nanogrid.pc.in ${PROJECT_BINARY_DIR}/nanogrid.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/nanogrid.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
