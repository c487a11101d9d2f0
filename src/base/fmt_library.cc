// fmt, compiled once. Its shared library would cost every delivery relocations, and its header form costs every file of
// ours two thirds of its time to compile. src/fmt_once.cmake finds out whether this file is all that an installed fmt
// needs, and takes the header form where it is not.
#ifndef FMT_HEADER_ONLY

#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template std::locale locale_ref::get<std::locale>() const;
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);
template void vformat_to(buffer<char>&, string_view, basic_format_args<buffer_context<char>>, locale_ref);

}  // namespace detail
FMT_END_NAMESPACE

#endif
