# The launcher: static, position-independent, and without libc where launcher.cc has the few instructions for that.
add_executable(relaypipe launcher/launcher.cc)
add_dependencies(relaypipe relaypipe_program)
# CMake would link it with -pie, which asks for the dynamic loader.
set_property(TARGET relaypipe PROPERTY POSITION_INDEPENDENT_CODE)
file(RELATIVE_PATH RELAYPIPE_LIBEXEC "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBEXECDIR}")
target_compile_definitions(relaypipe PRIVATE RELAYPIPE_LIBEXEC="${RELAYPIPE_LIBEXEC}"
  RELAYPIPE_FULL_LIBEXEC="${CMAKE_INSTALL_FULL_LIBEXECDIR}")
if(NOT RELAYPIPE_SANITIZE)
  target_link_libraries(relaypipe PRIVATE relaypipe_flags)
endif()
target_compile_options(relaypipe PRIVATE -fPIE -fno-exceptions -fno-rtti)
target_link_options(relaypipe PRIVATE -static-pie)
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
  target_compile_definitions(relaypipe PRIVATE RELAYPIPE_LAUNCHER_FREESTANDING)
  # The canary of the stack protector is a variable here, because nobody sets up the thread's memory where it else lies;
  # no loop may become a call of memcpy.
  target_compile_options(relaypipe PRIVATE -ffreestanding -mstack-protector-guard=global -fvisibility=hidden
    -fno-asynchronous-unwind-tables $<$<CXX_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>)
  target_link_options(relaypipe PRIVATE -nostdlib -nostartfiles)
endif()
