# cmake --install: the two programs; the default configuration, once to be edited and once to be read.
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
