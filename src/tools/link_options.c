/* SPDX-License-Identifier: Apache-2.0 */
/* The command line and the commands of `plait link`. Called by link.c. One table serves both: an
 * option --loss 1% and a command "loss 1%" are the same property. */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char link_usage[] =
    "usage: plait link A B [OPTION...]\n"
    "\n"
    "Joins the interfaces A and B by a link with the properties given, which every Ethernet frame "
    "that comes\n"
    "in at one of them meets on its way out of the other.\n"
    "\n"
    "  --rate RATE            bits per second: 500mbit, 1gbit, 64kbit; default no limit\n"
    "  --delay TIME           each way: 10ms, 500us, 1s; default 0\n"
    "  --jitter TIME          up to so much more, keeping the order\n"
    "  --queue LENGTH         that may wait for the rate: 256k, 1m, or 100pkt; default 256k\n"
    "  --tail PACKETS,SHARE   chance to be dropped where so few places are left: 3pkt,10%\n"
    "  --red MIN,MAX,SHARE    drops between these lengths of the average queue, up to so many: "
    "64k,128k,10%\n"
    "  --mark BYTES           that wait beyond which a packet is marked \"congestion "
    "experienced\"; default never\n"
    "  --loss SHARE           of frames, by chance: 1%, 0.1%\n"
    "  --dup SHARE            of frames that come twice\n"
    "  --reorder SHARE        of frames that are held back\n"
    "  --reorder-delay TIME   for up to so long; default 1ms\n"
    "  --down-at S, --up-at S seconds after the start at which nothing passes, and all does again\n"
    "  --seed N               of chance; default 1\n"
    "  --control FIFO         where commands are read from; default stdin\n"
    "\n"
    "A value may name one direction: --rate ab:100mbit --rate ba:10mbit. The default is both.\n"
    "Commands, one a line: down, up, and each property without its dashes: loss 5%, rate "
    "ba:1mbit.\n"
    "ARP and neighbour discovery are delayed, but never lost by chance. The end (SIGINT, SIGTERM) "
    "prints\n"
    "what happened as JSON on stdout.\n"
    "\n"
    "examples:\n"
    "  plait link n0 f0 --rate 500mbit --delay 10ms --queue 256k\n"
    "  plait link n0 f0 --loss 1% --reorder 1% --seed 7\n"
    "  (sleep 5; echo down; sleep 2; echo up; sleep 60) | plait link n0 f0 --rate 200mbit\n"
    "\n"
    "Exit status: 0 ended by a signal, 1 an interface failed, 2 the command line made no sense.\n";

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit rates[] = {
    {"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}, {NULL, 0}};
static const struct unit times[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {NULL, 0}};
static const struct unit shares[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};
static const struct unit seconds[] = {{"", 1000000}, {"s", 1000000}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

/* A decimal number with a unit, up to three digits after the point. */
static bool read_value(const char *text, const struct unit *units, uint64_t *value)
{
    char *end;
    uint64_t whole, thousandths = 0, scale = 100;

    if (*text < '0' || *text > '9')
        return false;
    whole = strtoull(text, &end, 10);
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
            thousandths += (uint64_t)(*end - '0') * scale;
    for (; units->name != NULL; units++)
        if (strcmp(end, units->name) == 0 && whole <= UINT64_MAX / 2000 / units->factor) {
            *value = whole * units->factor + thousandths * units->factor / 1000;
            return true;
        }
    return false;
}

enum property { RATE, DELAY, JITTER, QUEUE, QUEUE_PACKETS, TAIL, RED, MARK, LOSS, DUP, REORDER,
                REORDER_DELAY, DOWN, UP };
enum { PARTS = 3, PACKET = 1500, PACKETS_MAX = 1000000, RED_SHIFT = 9 };

static const struct unit packets[] = {{"pkt", 1}, {NULL, 0}};
static const struct unit lengths[] = {
    {"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"pkt", PACKET}, {NULL, 0}};

/* Two rows of one name: whichever can read the value. */
static const struct property_row {
    const char *name;
    const struct unit *units[PARTS]; /* of the parts between commas; none: takes no value */
    const char *like;
    uint64_t max;
} properties[] = {
    [RATE] = {"rate", {rates}, "500mbit", UINT64_MAX},
    [DELAY] = {"delay", {times}, "10ms", 3600 * PLAIT_SEC},
    [JITTER] = {"jitter", {times}, "1ms", 3600 * PLAIT_SEC},
    [QUEUE] = {"queue", {sizes}, "256k or 100pkt", UINT32_MAX},
    [QUEUE_PACKETS] = {"queue", {packets}, "256k or 100pkt", PACKETS_MAX},
    [TAIL] = {"tail", {packets, shares}, "3pkt,10%", 1000000},
    [RED] = {"red", {lengths, lengths, shares}, "64k,128k,10%", 1 << 30},
    [MARK] = {"mark", {sizes}, "64k", UINT32_MAX},
    [LOSS] = {"loss", {shares}, "1%", 1000000},
    [DUP] = {"dup", {shares}, "1%", 1000000},
    [REORDER] = {"reorder", {shares}, "1%", 1000000},
    [REORDER_DELAY] = {"reorder-delay", {times}, "1ms", 3600 * PLAIT_SEC},
    [DOWN] = {"down", {NULL}, "", 0},
    [UP] = {"up", {NULL}, "", 0},
};
enum { PROPERTIES = sizeof properties / sizeof properties[0] };

static void assign(struct sim_link_config *c, enum property p, const uint64_t v[PARTS])
{
    switch (p) {
    case RATE:
        c->rate = v[0];
        break;
    case DELAY:
        c->delay = v[0];
        break;
    case JITTER:
        c->jitter = v[0];
        break;
    case QUEUE:
    case QUEUE_PACKETS:
        c->queue = p == QUEUE ? (uint32_t)v[0] : 0;
        c->queue_packets = p == QUEUE ? 0 : (uint32_t)v[0];
        break;
    case TAIL:
        c->tail_packets = (uint32_t)v[0];
        c->tail_ppm = (uint32_t)v[1];
        break;
    case RED:
        c->red = (struct sim_red){.min = (uint32_t)v[0], .max = (uint32_t)v[1],
                                  .max_ppm = (uint32_t)v[2], .shift = RED_SHIFT};
        break;
    case MARK:
        c->mark = (uint32_t)v[0];
        break;
    case LOSS:
        c->loss_ppm = (uint32_t)v[0];
        break;
    case DUP:
        c->duplicate_ppm = (uint32_t)v[0];
        break;
    case REORDER:
        c->reorder_ppm = (uint32_t)v[0];
        break;
    case REORDER_DELAY:
        c->reorder_delay = v[0];
        break;
    case DOWN:
    case UP:
        c->down = p == DOWN;
        break;
    }
}

/* The parts of a value, between commas. */
static bool read_parts(const char *text, const struct property_row *row, uint64_t v[PARTS])
{
    char part[32];

    for (unsigned i = 0; i < PARTS && row->units[i] != NULL; i++) {
        size_t len = strcspn(text, ",");
        bool last = i + 1 == PARTS || row->units[i + 1] == NULL;
        if (len >= sizeof part || (text[len] == ',') == last)
            return false;
        memcpy(part, text, len);
        part[len] = 0;
        if (!read_value(part, row->units[i], &v[i]) || v[i] > row->max ||
            (row->units[i] == shares && v[i] > 1000000))
            return false;
        text += len + !last;
    }
    return true;
}

/* Is it a value that means something? RED's thresholds are in order, a queue has room. */
static bool makes_sense(enum property p, const uint64_t v[PARTS])
{
    return (p != RED || (v[0] > 0 && v[0] < v[1])) && (p != QUEUE_PACKETS || v[0] > 0);
}

bool link_options_set(struct sim_link_config cfg[LINK_DIRS], const char *name, const char *value,
                      char error[160])
{
    bool ab = strncmp(value, "ab:", 3) == 0 || strcmp(value, "ab") == 0;
    bool ba = strncmp(value, "ba:", 3) == 0 || strcmp(value, "ba") == 0;
    const char *number = ab || ba ? value + (value[2] == ':' ? 3 : 2) : value;
    const struct property_row *known = NULL;

    for (unsigned p = 0; p < PROPERTIES; p++) {
        uint64_t v[PARTS] = {0};
        if (strcmp(properties[p].name, name) != 0)
            continue;
        known = &properties[p];
        if ((known->units[0] == NULL ? *number != 0 : !read_parts(number, known, v)) ||
            !makes_sense((enum property)p, v))
            continue;
        if (!ba)
            assign(&cfg[LINK_AB], (enum property)p, v);
        if (!ab)
            assign(&cfg[LINK_BA], (enum property)p, v);
        return true;
    }
    if (known == NULL)
        snprintf(error, 160, "unknown property '%s'", name);
    else if (known->units[0] == NULL)
        snprintf(error, 160, "%s takes no value, or ab or ba, not '%s'", name, value);
    else
        snprintf(error, 160, "%s takes a value like %s, not '%s'", name, known->like, value);
    return false;
}

static bool parse_own(struct link_options *o, const char *name, const char *value, char error[160])
{
    bool good;

    if (strcmp(name, "control") == 0) {
        o->control = value;
        return true;
    }
    if (strcmp(name, "seed") == 0)
        good = read_value(value, plain, &o->seed);
    else if (strcmp(name, "down-at") == 0)
        good = read_value(value, seconds, &o->down_at);
    else if (strcmp(name, "up-at") == 0)
        good = read_value(value, seconds, &o->up_at);
    else if (strcmp(name, "down") == 0 || strcmp(name, "up") == 0)
        good = snprintf(error, 160, "--%s is a command; the option is --%s-at S", name, name) < 0;
    else
        return link_options_set(o->cfg, name, value, error);
    if (!good && error[0] == 0)
        snprintf(error, 160, "--%s takes a number, not '%s'", name, value);
    return good;
}

/* --name value or --name=value; answers the words consumed, 0 for an error. */
static int parse_option(struct link_options *o, int left, char **word, char error[160])
{
    char name[24];
    const char *equals = strchr(word[0], '=');
    size_t len = equals != NULL ? (size_t)(equals - word[0]) - 2 : strlen(word[0]) - 2;

    if (strcmp(word[0], "--help") == 0) {
        o->help = true;
        return 1;
    }
    if (len >= sizeof name) {
        snprintf(error, 160, "unknown option '%s'", word[0]);
        return 0;
    }
    memcpy(name, word[0] + 2, len);
    name[len] = 0;
    if (equals == NULL && left < 2) {
        snprintf(error, 160, "--%s takes a value", name);
        return 0;
    }
    if (!parse_own(o, name, equals != NULL ? equals + 1 : word[1], error))
        return 0;
    return equals != NULL ? 1 : 2;
}

bool link_options_parse(struct link_options *o, int argc, char **argv, char error[160])
{
    unsigned names = 0;

    *o = (struct link_options){.seed = 1, .down_at = PLAIT_NEVER, .up_at = PLAIT_NEVER};
    o->cfg[LINK_AB] = (struct sim_link_config){.queue = 256 << 10, .reorder_delay = PLAIT_MSEC};
    o->cfg[LINK_BA] = o->cfg[LINK_AB];
    error[0] = 0;
    for (int i = 1; i < argc;) {
        if (strncmp(argv[i], "--", 2) == 0) {
            int words = parse_option(o, argc - i, argv + i, error);
            if (words == 0)
                return false;
            i += words;
        } else if (names == 2) {
            snprintf(error, 160, "a third interface '%s': a link has two ends", argv[i]);
            return false;
        } else {
            o->name[names++] = argv[i++];
        }
    }
    if (names == 2 && strcmp(o->name[0], o->name[1]) == 0)
        snprintf(error, 160, "'%s' cannot be both ends", o->name[0]);
    else if (names < 2 && !o->help)
        snprintf(error, 160, "two interfaces are needed");
    return error[0] == 0;
}
