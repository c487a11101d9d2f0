# Makes `copyright`: our licence, and those of the libraries whose code the program contains, which ask to go with it.

# Adds the notice of a library: as the distribution installs it in the first of the packages' directories of documentation, or
# RELAYPIPE_NOTICE_name where that is given. Without one REQUIRED ends the configuration.
function(relaypipe_add_notice name)
  cmake_parse_arguments(PARSE_ARGV 1 notice "REQUIRED" "" "")
  set(places "")
  foreach(package IN LISTS notice_UNPARSED_ARGUMENTS)
    foreach(folder IN ITEMS doc licenses)
      list(APPEND places "/usr/share/${folder}/${package}" "/usr/local/share/${folder}/${package}")
    endforeach()
  endforeach()
  find_file(RELAYPIPE_NOTICE_${name} NAMES copyright LICENSE LICENCE LICENSE.md LICENCE.md LICENSE.MIT LICENSE.txt COPYING
    PATHS ${places} NO_DEFAULT_PATH DOC "Licence notice of ${name}, whose code the program contains")
  set(file "${RELAYPIPE_NOTICE_${name}}")
  if(NOT file AND notice_REQUIRED)
    message(FATAL_ERROR "The licence notice of ${name} is to go with the program and was not found; say where it is: "
      "-DRELAYPIPE_NOTICE_${name}=FILE")
  endif()
  if(file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" text)
    string(STRIP "${text}" text)
    string(REPEAT "-" 78 line)
    set(notices "${notices}\n${line}\n${name}, parts of which the program contains:\n\n${text}\n" PARENT_SCOPE)
  endif()
endfunction()

file(READ "${PROJECT_SOURCE_DIR}/LICENSE" notices)
relaypipe_add_notice(fmt libfmt-dev fmt)
relaypipe_add_notice(tomlplusplus libtomlplusplus-dev tomlplusplus)
relaypipe_add_notice(nlohmann-json nlohmann-json3-dev nlohmann-json)
relaypipe_add_notice(CLI11 libcli11-dev cli11)
if(RELAYPIPE_STATIC_ARCHIVES)    # that of the C++ library makes an exception for programs
  relaypipe_add_notice(SQLite libsqlite3-dev sqlite REQUIRED)
  relaypipe_add_notice(PCRE2 libpcre2-dev pcre2 REQUIRED)
endif()
if(RELAYPIPE_LEAN_CURL)
  set(RELAYPIPE_NOTICE_curl "${RELAYPIPE_LEAN_CURL}/COPYING")
  relaypipe_add_notice(curl REQUIRED)
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/LICENSE")
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/copyright" CONTENT "@notices@" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/copyright" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
