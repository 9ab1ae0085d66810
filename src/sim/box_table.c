/* SPDX-License-Identifier: Apache-2.0 */
/* The table of middleboxes, and how a connection through each may end. A permitted error or wrong
 * byte comes with the reason why no stack could do better. */
#include "middlebox.h"

/* For path 1, path 2, both, plain TCP; _ON is the same with DSS checksums. */
enum {
    M = SIM_BOX_MPTCP, P = SIM_BOX_PLAIN, E = SIM_BOX_ERROR, W = SIM_BOX_WRONG,
};

const struct sim_box_row sim_box_table[] = {
    {
        .name = "nat",
        .pairs = true,
        .does = "other addresses and ports",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "nat:remap",
        .pairs = true,
        .does = "the same, and another port after 0.5 s of rest",
        .ends = {{M, M, M, E}, {M, M, M, E}},
        .why = "Plain TCP dies with its addresses and ports.",
    },
    {
        .name = "isn",
        .pairs = true,
        .does = "other sequence numbers, both ways",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "isn:sack",
        .pairs = true,
        .does = "the same, with SACK blocks left as they are; loses every 20th data packet",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mss:syn",
        .does = "takes mss from the SYN",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mss:synack",
        .does = "takes mss from the SYN/ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:wscale:syn",
        .does = "takes wscale from the SYN",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:wscale:synack",
        .does = "takes wscale from the SYN/ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:sackok:syn",
        .pairs = true,
        .does = "takes sackok from the SYN",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:sackok:synack",
        .does = "takes sackok from the SYN/ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:sack",
        .rare = true,
        .does = "takes SACK blocks",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:ts",
        .pairs = true,
        .does = "takes timestamps from everything",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:ts:syn",
        .does = "takes timestamps from the SYN",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:ts:synack",
        .does = "takes timestamps from the SYN/ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:ts:later",
        .does = "takes timestamps from what follows the handshake",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mptcp",
        .pairs = true,
        .does = "takes MPTCP from everything",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:syn",
        .does = "takes MPTCP from the SYN",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:synack",
        .does = "takes MPTCP from the SYN/ACK",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:ack3",
        .does = "takes MPTCP from the third ACK",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:later",
        .pairs = true,
        .does = "takes MPTCP from what follows the third ACK",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:from=3",
        .does = "takes MPTCP from the third packet of a direction and later ones",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:from=8",
        .pairs = true,
        .does = "takes MPTCP from the eighth packet of a direction and later ones",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp/up",
        .does = "the same as strip:mptcp, only from the client",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:later/up",
        .does = "takes MPTCP from what follows the third ACK, only from the client",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp/down",
        .does = "the same as strip:mptcp, only from the server",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mptcp:later/down",
        .does = "takes MPTCP from what follows the third ACK, only from the server",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mp_capable",
        .does = "takes MP_CAPABLE from everything",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mp_join",
        .does = "takes MP_JOIN from everything",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_dss",
        .pairs = true,
        .does = "takes MP_DSS from everything",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mp_capable:syn",
        .does = "takes MP_CAPABLE from the SYN",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mp_join:syn",
        .does = "takes MP_JOIN from the SYN",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_capable:synack",
        .does = "takes MP_CAPABLE from the SYN/ACK",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mp_join:synack",
        .does = "takes MP_JOIN from the SYN/ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_capable:ack3",
        .does = "takes MP_CAPABLE from the third ACK",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:mp_join:ack3",
        .does = "takes MP_JOIN from the third ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_dss:from=8",
        .does = "takes DSS from the eighth packet of a direction on",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "strip:add_addr",
        .pairs = true,
        .does = "takes ADD_ADDR",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:remove_addr",
        .rare = true,
        .does = "takes REMOVE_ADDR",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_prio",
        .rare = true,
        .does = "takes MP_PRIO",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_fail",
        .rare = true,
        .does = "takes MP_FAIL",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_fastclose",
        .rare = true,
        .does = "takes MP_FASTCLOSE",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "strip:mp_tcprst",
        .rare = true,
        .does = "takes MP_TCPRST",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "echo",
        .pairs = true,
        .does = "adds the SYN's unknown options to the SYN/ACK",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "echo:replace",
        .does = "the same, in place of the server's MPTCP",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "split:all",
        .pairs = true,
        .does = "cuts segments in two, options on both",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "split:first",
        .pairs = true,
        .does = "cuts segments in two, MPTCP on the first",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "split:last",
        .pairs = true,
        .does = "cuts segments in two, MPTCP on the last",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "merge:first",
        .pairs = true,
        .does = "joins two segments, with the options of the first",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "merge:last",
        .pairs = true,
        .does = "joins two segments, with the options of the last",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "reseg:repeat",
        .pairs = true,
        .does = "cuts segments in two that overlap, the mapping on both",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "reseg:drop",
        .pairs = true,
        .does = "the same, every third packet without its mapping",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "rewrite",
        .pairs = true,
        .does = "changes one byte of the fifth data packet, each way",
        .ends = {{W, W, W, W}, {W, M, W, W}},
        .why = "Without a checksum nothing tells the bytes from the sender's. With one, "
               "MP_FAIL is the answer; on an only subflow it makes the connection plain "
               "(RFC 8684 3.7), and plain TCP is what the box is made for.",
    },
    {
        .name = "rewrite/up",
        .does = "the same, only from the client",
        .ends = {{W, W, W, W}, {W, M, W, W}},
        .why = "Without a checksum nothing tells the bytes from the sender's. With one, "
               "MP_FAIL is the answer; on an only subflow it makes the connection plain "
               "(RFC 8684 3.7), and plain TCP is what the box is made for.",
    },
    {
        .name = "rewrite:grow",
        .pairs = true,
        .does = "puts three bytes in, each way, and shifts the numbers",
        .ends = {{W, W, W, W}, {W, M, W, W}},
        .why = "Without a checksum nothing tells the bytes from the sender's. With one, "
               "MP_FAIL is the answer; on an only subflow it makes the connection plain "
               "(RFC 8684 3.7), and plain TCP is what the box is made for.",
    },
    {
        .name = "rewrite:shrink",
        .pairs = true,
        .does = "takes three bytes out, each way, and shifts the numbers",
        .ends = {{W, W, W, W}, {W, M, W, W}},
        .why = "Without a checksum nothing tells the bytes from the sender's. With one, "
               "MP_FAIL is the answer; on an only subflow it makes the connection plain "
               "(RFC 8684 3.7), and plain TCP is what the box is made for.",
    },
    {
        .name = "rtx:before",
        .pairs = true,
        .does = "sends every sixth data packet with another byte, then as it was",
        .ends = {{W, W, W, W}, {W, M, W, W}},
        .why = "Without a checksum nothing tells the bytes from the sender's. With one, "
               "MP_FAIL is the answer; on an only subflow it makes the connection plain "
               "(RFC 8684 3.7), and plain TCP is what the box is made for.",
    },
    {
        .name = "rtx:after",
        .pairs = true,
        .does = "sends every sixth data packet again, with another byte",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "ack",
        .pairs = true,
        .does = "acknowledges data itself",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "ack:rtx",
        .pairs = true,
        .does = "acknowledges data itself; what it lost it sends later",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "ack:lose",
        .pairs = true,
        .does = "acknowledges data itself and loses every seventh data packet",
        .ends = {{E, M, E, E}, {E, M, E, E}},
        .why = "An ACK without DATA_ACK makes an only subflow plain (RFC 8684 3.7), and a "
               "TCP that was told that its data arrived does not send it again.",
    },
    {
        .name = "clamp",
        .pairs = true,
        .does = "narrows windows to 4096 bytes",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "synproxy",
        .pairs = true,
        .does = "answers SYNs itself, without options, then asks the server",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "firewall:drop",
        .pairs = true,
        .does = "forgets flows after 0.5 s of rest, and drops what it does not know",
        .ends = {{M, M, M, E}, {M, M, M, E}},
        .why = "Plain TCP dies with its flow in the box.",
    },
    {
        .name = "firewall:rst",
        .pairs = true,
        .does = "forgets flows after 0.5 s of rest, and resets what it does not know",
        .ends = {{M, M, M, E}, {M, M, M, E}},
        .why = "Plain TCP obeys the RST.",
    },
    {
        .name = "csum",
        .pairs = true,
        .does = "makes the TCP checksum of every tenth packet wrong",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
    {
        .name = "unknown:drop",
        .pairs = true,
        .does = "drops packets with MPTCP options",
        .ends = {{P, M, P, P}, {P, M, P, P}},
    },
    {
        .name = "reorder",
        .pairs = true,
        .does = "holds every fourth packet back for 3 ms",
        .ends = {{M, M, M, P}, {M, M, M, P}},
    },
};
const unsigned sim_box_table_n = sizeof sim_box_table / sizeof sim_box_table[0];
