// The program that master.cf names: it starts the real one, libexec/relaypipe/relaypipe, and has one reason to exist.
//
// When a shared library is missing, or too old or too new, the dynamic loader ends the process with status 127 or 1
// before any code of ours runs, and pipe(8) bounces the mail with 5.3.0. Neither a fork that waits for the status (a
// second process per message, and signals and parents that no longer mean the delivery) nor libraries opened late by
// dlopen (15 % more instructions, and no answer to a libc that is too old) is needed: the loader begins every
// such message with argv[0], and pipe(8) takes a result that begins with an enhanced status as that. So argv[0] is made
// to begin with one, and Postfix reads, for instance
//   4.3.0 relaypipe: error while loading shared libraries: libcurl.so.4: cannot open shared object file
// and defers. Process, parent, group, descriptors and environment stay what they are.
//
// It is linked with no library at all, and begins in _start() below. An ordinary static program costs 0.3 ms of CPU
// more (medians of pairs, 29 November 2026: 0.29 and 0.33 ms of 2,000 starts each, 0.31 ms of 400 deliveries), since
// libc asks the processor for its features, sets up the memory of threads and relocates itself. That is 4 to 5 percent
// of a delivery, and 10 where libcurl is built in (6.6 and 3.1 ms, test/bench/README.md), so libc stays out. A _start
// in assembly, which was here before, saves nothing more (0.00 ms), and link-time optimisation lost what it called.
// What is left of machine code is the instruction of a system call. For processors other than x86-64 the launcher is an
// ordinary static program.

#include <cstddef>

#ifdef RELAYPIPE_LAUNCHER_FREESTANDING

#include <linux/auxvec.h>
#include <sys/syscall.h>

/// Seen by the linker alone, and kept where the whole program is optimised at link time.
#define RELAYPIPE_HIDDEN __attribute__((visibility("hidden"), used))

extern "C" {
/// Where the compiler's stack protector finds its canary (-mstack-protector-guard=global) and reports a smashed stack.
RELAYPIPE_HIDDEN unsigned long __stack_chk_guard = 0;   // NOLINT(bugprone-reserved-identifier): the compiler's name
[[noreturn]] RELAYPIPE_HIDDEN void __stack_chk_fail();  // NOLINT(bugprone-reserved-identifier): the compiler's name
[[noreturn]] RELAYPIPE_HIDDEN void _start();            // NOLINT(bugprone-reserved-identifier): the linker's name
}

namespace {

/// A system call: its result, or a negative errno.
long call_kernel(long number, long first, const void* second = nullptr, std::size_t third = 0) {
  long result = number;
  asm volatile("syscall" : "+a"(result) : "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
  return result;
}

long read_link(const char* path, char* target, std::size_t size) {
  return call_kernel(SYS_readlink, reinterpret_cast<long>(path), target, size);
}

/// Returns only when it failed, with errno.
int execute(const char* path, char** argv, char** environment) {
  const auto third = reinterpret_cast<std::size_t>(environment);
  return static_cast<int>(-call_kernel(SYS_execve, reinterpret_cast<long>(path), argv, third));
}

void write_out(const char* text, std::size_t size) { call_kernel(SYS_write, 1, text, size); }

[[noreturn]] void leave(int status) {
  for (;;)
    call_kernel(SYS_exit_group, status);
}

/// One entry of what the kernel tells a program behind the environment; AT_NULL is the last.
struct Auxiliary {
  unsigned long kind;
  const unsigned long* value;
};

}  // namespace

#else

#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>

namespace {

long read_link(const char* path, char* target, std::size_t size) { return readlink(path, target, size); }

int execute(const char* path, char** argv, char** environment) {
  execve(path, argv, environment);
  return errno;
}

void write_out(const char* text, std::size_t size) {
  if (write(STDOUT_FILENO, text, size) < 0) return;  // the status says it too
}

[[noreturn]] void leave(int status) { _exit(status); }

}  // namespace

#endif

namespace {

constexpr int kExitDeferred = 75;  // EX_TEMPFAIL, as in verdict/exit_status.h
constexpr int kNoSuchFile = 2;     // ENOENT
// Places of the program, from the launcher's own directory: installed, and in the build directory. No pointers to text:
// nobody relocates them here.
constexpr char kPlaces[][64] = {RELAYPIPE_LIBEXEC "/relaypipe/relaypipe", "libexec/relaypipe/relaypipe"};
// Places where the launcher does not know its own directory: those of the build's prefix and of the package.
constexpr char kInstalled[][256] = {RELAYPIPE_FULL_LIBEXEC "/relaypipe/relaypipe", "/usr/libexec/relaypipe/relaypipe"};
// The loader's messages, and those below, begin with it.
char first_argument[] = "4.3.0 relaypipe";

/// Text of a fixed size; what does not fit is left out.
class Text {
 public:
  Text() { octets_[0] = '\0'; }
  void append(const char* text) {
    for (; *text != '\0' && size_ < sizeof octets_ - 1; ++text)
      octets_[size_++] = *text;
    octets_[size_] = '\0';
  }
  void append_number(int number) {
    if (number > 9) append_number(number / 10);
    const char digit[] = {static_cast<char>('0' + number % 10), '\0'};
    append(digit);
  }
  /// The directory of the running program, with a slash at its end. Without /proc it is that of `started`, the path the
  /// kernel was given. Nothing where neither is an absolute path: a relative one would mean whatever lies in the
  /// working directory, and so does what readlink(2) says of a file outside of a chroot.
  void assign_own_directory(const char* started) {
    const long read = read_link("/proc/self/exe", octets_, sizeof octets_ - 1);
    size_ = read > 0 ? static_cast<std::size_t>(read) : 0;
    if (size_ == 0 || octets_[0] != '/') {
      size_ = 0;
      if (started != nullptr && started[0] == '/') append(started);
    }
    while (size_ > 0 && octets_[size_ - 1] != '/')
      --size_;
    octets_[size_] = '\0';
  }
  [[nodiscard]] const char* text() const { return octets_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  // cppcheck-suppress uninitMemberVarPrivate
  char octets_[4096 + 64];  // PATH_MAX, and the longest of the places; filled up to size_ and a NUL
  std::size_t size_ = 0;
};

/// Why a place did not do.
void append_reason(Text& message, int error) {
  if (error == kNoSuchFile) {
    message.append(" (it or its dynamic loader is missing)");
    return;
  }
  message.append(" (error ");
  message.append_number(error);
  message.append(")");
}

/// Tries one place. Returns only when it failed, with errno; the message says so then.
int try_place(const Text& path, char** argv, char** environment, Text& message) {
  const int error = execute(path.text(), argv, environment);
  message.append(" ");
  message.append(path.text());
  append_reason(message, error);
  return error;
}

/// Becomes the real program, or defers and says why not. `started`: the path that the kernel was given, or null.
[[noreturn]] void launch(const char* started, char** argv, char** environment) {
  Text message;
  message.append(first_argument);
  message.append(": cannot run the program it starts:");
  Text own;
  own.assign_own_directory(started);
  int error = kNoSuchFile;
  for (std::size_t i = 0; i < 2 && error == kNoSuchFile; ++i) {
    Text path;
    path.append(own.text());
    path.append(own.size() > 0 ? kPlaces[i] : kInstalled[i]);
    error = try_place(path, argv, environment, message);
  }
  message.append("\n");
  write_out(message.text(), message.size());
  leave(kExitDeferred);
}

/// With the first argument replaced, whether there was one or not.
[[noreturn]] void launch_renamed(const char* started, long argc, char** argv, char** environment) {
  if (argc > 0) {
    argv[0] = first_argument;
    launch(started, argv, environment);
  }
  char* alone[] = {first_argument, nullptr};
  launch(started, alone, environment);
}

}  // namespace

#ifdef RELAYPIPE_LAUNCHER_FREESTANDING

void __stack_chk_fail() { __builtin_trap(); }

/// Where the kernel starts the program, with argc on top of the stack; argv, the environment and the auxiliary vector
/// follow. Nobody called, so what is on top of the stack stands where a function has its return address: right below
/// its frame (DWARF calls that place the canonical frame address). The kernel aligns the stack as no caller does, so
/// the function aligns its own. The canary is set here, so it has none. It never returns.
__attribute__((no_stack_protector, force_align_arg_pointer)) void _start() {
  auto* const stack = static_cast<unsigned long*>(__builtin_dwarf_cfa()) - 1;
  const auto argc = static_cast<long>(*stack);
  auto** const argv = reinterpret_cast<char**>(stack + 1);
  char** const environment = argv + argc + 1;
  char** after = environment;
  while (*after != nullptr)
    ++after;
  const char* started = nullptr;
  for (const auto* entry = reinterpret_cast<const Auxiliary*>(after + 1); entry->kind != AT_NULL; ++entry) {
    if (entry->kind == AT_EXECFN) started = reinterpret_cast<const char*>(entry->value);
    // 16 random octets of the kernel's; the first is left 0, so that no text that runs over can hold the canary.
    if (entry->kind == AT_RANDOM) __stack_chk_guard = *entry->value & ~0xFFUL;
  }
  launch_renamed(started, argc, argv, environment);
}

#else

int main(int argc, char** argv, char** environment) {
  launch_renamed(reinterpret_cast<const char*>(getauxval(AT_EXECFN)), argc, argv, environment);
}

#endif
