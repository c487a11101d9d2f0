# libcurl from its source: a static library of what relaypipe uses of it, and CURL::libcurl that stands for it. curl's own
# CMake files make it in a build of its own (ExternalProject), so none of curl's options, targets, warnings, tests or
# installation rules become ours.
include(ExternalProject)

# The oldest that the options below and the tests were tried with.
set(LEAN_CURL_OLDEST 7.88.0)

# Sets LEAN_CURL_VERSION to what the tree has: the distribution's version where it is one's, because that tells which fixes
# are in it. Ends the configuration where the tree is none.
function(lean_curl_read_version tree)
  set(way_out "RELAYPIPE_LEAN_CURL is to be the source tree of curl ${LEAN_CURL_OLDEST} or later, such as the folder that "
    "`apt-get source curl` makes, or empty for the libcurl of the system: -DRELAYPIPE_LEAN_CURL=")
  foreach(file CMakeLists.txt include/curl/curlver.h lib/easy.c COPYING)
    if(NOT EXISTS "${tree}/${file}")
      message(FATAL_ERROR "${tree} is no source tree of curl, there is no ${file} in it. " ${way_out})
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${tree}/include/curl/curlver.h")
  file(STRINGS "${tree}/include/curl/curlver.h" line REGEX "^#define LIBCURL_VERSION \"")
  string(REGEX MATCH "[0-9][0-9.]*" version "${line}")
  if(version VERSION_LESS LEAN_CURL_OLDEST)
    message(FATAL_ERROR "${tree} is curl ${version}, which is too old. " ${way_out})
  endif()
  if(EXISTS "${tree}/debian/changelog")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${tree}/debian/changelog")
    file(STRINGS "${tree}/debian/changelog" line LIMIT_COUNT 1)
    if(line MATCHES "^curl \\(([^ )]+)\\)")
      set(version "${CMAKE_MATCH_1}")
    endif()
  endif()
  set(LEAN_CURL_VERSION "${version}" PARENT_SCOPE)
endfunction()

# Sets `result` to entries for the cache of curl's build. What a version of curl does not know it passes over.
function(lean_curl_options result)
  # Left are SMTP for the relays and HTTP for token endpoints; and everything of AUTH that needs no library but OpenSSL.
  set(off DICT FILE FTP GOPHER IMAP LDAP LDAPS MQTT POP3 RTSP SMB TELNET TFTP ALTSVC COOKIES DOH GETOPTIONS HSTS NETRC WEBSOCKETS)
  list(TRANSFORM off PREPEND -DCURL_DISABLE_)
  # Nobody installs it, and what is not asked for is not built.
  list(APPEND off -DCURL_DISABLE_INSTALL)
  set(on -DCURL_USE_OPENSSL -DCURL_ENABLE_NTLM -DENABLE_THREADED_RESOLVER -DBUILD_STATIC_LIBS -DCMAKE_POSITION_INDEPENDENT_CODE ${off})
  list(TRANSFORM on APPEND :BOOL=ON)
  # Each of these libraries would be loaded by every process; curl takes some of them wherever it finds them.
  set(without CURL_USE_LIBSSH2 CURL_USE_LIBSSH CURL_USE_LIBPSL CURL_USE_GSSAPI CURL_BROTLI CURL_ZSTD CURL_ZLIB USE_NGHTTP2
    USE_LIBIDN2 USE_LIBRTMP ENABLE_ARES
    BUILD_SHARED_LIBS BUILD_CURL_EXE BUILD_TESTING BUILD_EXAMPLES BUILD_LIBCURL_DOCS BUILD_MISC_DOCS ENABLE_CURL_MANUAL
    CURL_ENABLE_EXPORT_TARGET PICKY_COMPILER)
  list(TRANSFORM without PREPEND -D)
  list(TRANSFORM without APPEND :BOOL=OFF)
  # io/curl/ always says which authorities count: built-in ones could only be trusted, or loaded, beside them.
  set(texts -DCURL_CA_BUNDLE:STRING=none -DCURL_CA_PATH:STRING=none -DCMAKE_BUILD_TYPE:STRING=${CMAKE_BUILD_TYPE}
    "-DCMAKE_C_FLAGS_RELEASE:STRING=${CMAKE_CXX_FLAGS_RELEASE}")
  foreach(name CMAKE_C_COMPILER CMAKE_C_COMPILER_LAUNCHER CMAKE_TOOLCHAIN_FILE OPENSSL_ROOT_DIR)
    if(${name})
      list(APPEND texts "-D${name}:STRING=${${name}}")
    endif()
  endforeach()
  if(NOT DEFINED CMAKE_C_FLAGS)    # this project has no C that CMake would ask the environment for
    set(CMAKE_C_FLAGS "$ENV{CFLAGS}")
  endif()
  string(JOIN " " flags ${CMAKE_C_FLAGS} ${RELAYPIPE_CODE_OPTIONS})
  set(${result} ${on} ${without} ${texts} "-DCMAKE_C_FLAGS:STRING=${flags}" PARENT_SCOPE)
endfunction()

function(add_lean_curl tree)
  lean_curl_options(options)
  set(folder "${PROJECT_BINARY_DIR}/lean_curl")
  set(archive "${folder}/lib/libcurl.a")
  # CMake refuses a build folder that has been another tree's.
  if(EXISTS "${folder}/CMakeCache.txt")
    load_cache("${folder}" READ_WITH_PREFIX built_ CMAKE_HOME_DIRECTORY)
    if(NOT built_CMAKE_HOME_DIRECTORY STREQUAL tree)
      file(REMOVE_RECURSE "${folder}")
    endif()
  endif()
  # Its output is shown when something fails. BUILD_ALWAYS: a fix may come into the tree at any time, and looking is quick.
  ExternalProject_Add(lean_curl SOURCE_DIR "${tree}" BINARY_DIR "${folder}" PREFIX "${folder}/steps"
    CMAKE_CACHE_ARGS ${options} BUILD_ALWAYS ON BUILD_BYPRODUCTS "${archive}" INSTALL_COMMAND ""
    LOG_CONFIGURE ON LOG_BUILD ON LOG_OUTPUT_ON_FAILURE ON)
  find_package(Threads REQUIRED)
  add_library(CURL::libcurl STATIC IMPORTED GLOBAL)
  add_dependencies(CURL::libcurl lean_curl)
  # None of its functions is to be seen from outside, not even by a library that a loaded one brings its own libcurl for.
  set_target_properties(CURL::libcurl PROPERTIES
    IMPORTED_LOCATION "${archive}"
    INTERFACE_INCLUDE_DIRECTORIES "${tree}/include"
    INTERFACE_COMPILE_DEFINITIONS CURL_STATICLIB
    INTERFACE_LINK_LIBRARIES "OpenSSL::SSL;OpenSSL::Crypto;Threads::Threads"
    INTERFACE_LINK_OPTIONS "LINKER:--exclude-libs,libcurl.a")
endfunction()

# Without symbolic links, as curl's own build writes it down.
get_filename_component(tree "${RELAYPIPE_LEAN_CURL}" REALPATH)
lean_curl_read_version("${tree}")
message(STATUS "libcurl ${LEAN_CURL_VERSION} is built in, from ${tree}")
add_lean_curl("${tree}")
