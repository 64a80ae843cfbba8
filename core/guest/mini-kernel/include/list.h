/* Circular lists whose links are members of what they link. The head is a link too: no place is special. */
#pragma once
#include "types.h"

struct link {
  struct link *next, *previous;
};

/* The head of an empty list: its own neighbour. */
#define LIST_HEAD(name) {&(name), &(name)}
static inline void list_start(struct link *head) { head->next = head->previous = head; }

static inline void list_append(struct link *head, struct link *link) {
  link->next = head;
  link->previous = head->previous;
  head->previous->next = link;
  head->previous = link;
}

/* The link then says that it is in no list. */
static inline void list_remove(struct link *link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
  link->next = link->previous = 0;
}
static inline bool list_has(const struct link *link) { return link->next != 0; }

/* What a link is a member of. */
#define LIST_MEMBER(link, type, member) ((type *)((uint8_t *)(link) - offsetof(type, member)))
