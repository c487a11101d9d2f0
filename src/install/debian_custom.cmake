# What Debian wants otherwise than `cmake --install` does it, in the directory that CPack is about to pack: manual pages are
# compressed.
set(manual "${CPACK_TEMPORARY_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share/man")
file(GLOB pages "${manual}/man*/*.[58]")
if(NOT pages)
  message(FATAL_ERROR "no manual pages in ${manual}")
endif()
execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)
