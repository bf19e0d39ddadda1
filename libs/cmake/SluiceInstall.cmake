# cmake --install: the two programs, the default configuration.
if(SLUICE_BUILD_APPS)
  install(FILES config.yaml DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/sluice)
endif()
