// act: has the kernel load protocols that hardly anybody uses
// expect: refused EPERM|ENOSYS|EPROTONOSUPPORT|ESOCKTNOSUPPORT|EINVAL
#include "../act.h"

int main(void) {
  const int families[] = {AF_INET, AF_INET6};
  for (int i = 0; i < 2; ++i) {
    Attempt("SCTP", socket(families[i], SOCK_STREAM, 132));
    Attempt("SCTP packets", socket(families[i], SOCK_SEQPACKET, 132));
    Attempt("DCCP", socket(families[i], SOCK_DCCP, 33));
    Attempt("L2TP", socket(families[i], SOCK_DGRAM, 115));
    Attempt("MPTCP", socket(families[i], SOCK_STREAM, 262));
    Attempt("UDP-Lite", socket(families[i], SOCK_DGRAM, 136));
    Attempt("ping", socket(families[i], SOCK_DGRAM, i == 0 ? 1 : 58));
    Attempt("DCCP by type", socket(families[i], SOCK_DCCP, 0));
    Attempt("packets", socket(families[i], SOCK_SEQPACKET, 0));
    Attempt("RDM", socket(families[i], SOCK_RDM, 0));
    Attempt("SMC", socket(families[i], SOCK_STREAM, 256));
  }
}
