// What Boost.Asio and Boost.Beast have outside of templates, compiled here and nowhere else: the
// other files are built with their SEPARATE_COMPILATION macros (CMakeLists.txt).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
