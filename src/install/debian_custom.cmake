# What Debian wants otherwise than `cmake --install` does it, in the folder that CPack is about to pack: manual pages are
# compressed, and the examples name the program where this package has it.
file(GLOB pages "${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/man*/*.[58]")
if(NOT pages)
  message(FATAL_ERROR "no manual pages in ${CPACK_TEMPORARY_DIRECTORY}")
endif()
execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB examples "${CPACK_TEMPORARY_DIRECTORY}/usr/share/doc/relaypipe/*.example")
foreach(file IN LISTS examples)
  execute_process(COMMAND sed -i "s|${CPACK_RELAYPIPE_PROGRAM}|/usr/bin/relaypipe|g" "${file}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
