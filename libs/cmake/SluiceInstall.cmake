# cmake --install: the libraries with their headers as the CMake package `sluice`; the programs' man pages, systemd units
# and the default configuration, once to be edited and once to be read. (Programs: apps/*/CMakeLists.txt.)
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/sluice")
get_property(libraries GLOBAL PROPERTY SLUICE_LIBRARIES)
install(TARGETS ${libraries} EXPORT sluiceTargets)
foreach(library ${libraries})
  get_target_property(folder ${library} SOURCE_DIR)
  install(DIRECTORY "${folder}/include/" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()
install(EXPORT sluiceTargets NAMESPACE sluice:: DESTINATION ${package_folder})
# While the major version is 0, a minor one may change anything.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sluiceConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES libs/cmake/sluiceConfig.cmake libs/cmake/SluiceDependencies.cmake
              "${PROJECT_BINARY_DIR}/sluiceConfigVersion.cmake" DESTINATION ${package_folder})

if(SLUICE_BUILD_APPS)
  install(FILES config.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(CODE "set(source \"${PROJECT_SOURCE_DIR}/config.yaml\")\nset(folder \"${CMAKE_INSTALL_SYSCONFDIR}\")")
  # While installing, because only then the prefix is known (--prefix). What belongs to /usr is configured in /etc; and
  # a configuration that is there already was edited by somebody.
  install(CODE [[
    if(NOT IS_ABSOLUTE "${folder}" AND CMAKE_INSTALL_PREFIX STREQUAL "/usr")
      set(folder "/${folder}")
    elseif(NOT IS_ABSOLUTE "${folder}")
      set(folder "${CMAKE_INSTALL_PREFIX}/${folder}")
    endif()
    if(EXISTS "$ENV{DESTDIR}${folder}/sluice/config.yaml")
      message(STATUS "Kept as it is: $ENV{DESTDIR}${folder}/sluice/config.yaml")
    else()
      file(INSTALL "${source}" DESTINATION "${folder}/sluice")
    endif()
  ]])
endif()
