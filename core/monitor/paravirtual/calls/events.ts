/**
 * event_channel_op (event_channel.h). There is one domain, so both ends of a connection are its own, and one virtual
 * processor, which all channels notify.
 */
import { CHANNEL_STATUS, DOMAIN_SELF, ERROR, EVENT_OP, OK, VIRQ_TIMER } from "../abi.js";
import type { Domain } from "../call.js";
import type { Binding } from "../events.js";

/** The domain's own number, by which it may call itself besides. */
const OWN_NUMBER = 0;
const FIRST_PROCESSOR = 0;

/** Makes an operation. @param at where its structure is. @throws GuestFault */
export function eventChannel(domain: Domain, command: number, at: number): number {
  const { access, events, irqs } = domain;
  const isOwn = (place: number): boolean => {
    const number = access.read16(place);
    return number === DOMAIN_SELF || number === OWN_NUMBER;
  };
  switch (command) {
    case EVENT_OP.allocateUnbound:
      return isOwn(at) && isOwn(at + 2) ? bind(domain, { status: "unbound" }, at + 4) : ERROR.noDomain;
    case EVENT_OP.bindInterdomain: {
      const peer = access.read32(at + 4);
      if (!isOwn(at)) return ERROR.noDomain;
      if (events.binding(peer)?.status !== "unbound") return ERROR.invalid;
      const result = bind(domain, { status: "interdomain", peer }, at + 8);
      if (result === OK) events.connect(peer, access.read32(at + 8));
      return result;
    }
    case EVENT_OP.bindVirq: {
      const virq = access.read32(at);
      if (virq !== VIRQ_TIMER || access.read32(at + 4) !== FIRST_PROCESSOR) return ERROR.invalid;
      if (domain.timerChannel !== 0) return ERROR.exists;
      const result = bind(domain, { status: "virq", number: virq }, at + 8);
      if (result === OK) domain.timerChannel = access.read32(at + 8);
      return result;
    }
    case EVENT_OP.bindPirq: {
      const irq = access.read32(at);
      if (!irqs.isFree(irq)) return ERROR.exists;
      const result = bind(domain, { status: "pirq", number: irq }, at + 8);
      if (result === OK) irqs.bind(irq, access.read32(at + 8));
      return result;
    }
    case EVENT_OP.bindIpi:
      return access.read32(at) === FIRST_PROCESSOR ? bind(domain, { status: "ipi" }, at + 4) : ERROR.noEntry;
    case EVENT_OP.bindProcessor:
      return bindProcessor(domain, access.read32(at), access.read32(at + 4));
    case EVENT_OP.close:
      return close(domain, access.read32(at));
    case EVENT_OP.send:
      return send(domain, access.read32(at));
    case EVENT_OP.status:
      return isOwn(at) ? tellStatus(domain, at) : ERROR.noDomain;
    case EVENT_OP.unmask:
      return events.unmask(access.read32(at) >>> 0);
    default:
      return ERROR.unknown;
  }
}

/** A new channel, whose number goes to `at`. */
function bind({ access, events }: Domain, binding: Binding, at: number): number {
  const channel = events.bind(binding);
  if (channel === 0) return ERROR.noSpace;
  access.write32(at, channel);
  return OK;
}

/** Channels of the timer and of interrupts between processors stay where they are. */
function bindProcessor({ events }: Domain, channel: number, processor: number): number {
  if (processor !== FIRST_PROCESSOR) return ERROR.noEntry;
  const status = events.binding(channel)?.status;
  return status === undefined || status === "virq" || status === "ipi" ? ERROR.invalid : OK;
}

function close(domain: Domain, channel: number): number {
  const { events, irqs } = domain;
  const binding = events.binding(channel);
  if (binding === undefined) return ERROR.invalid;
  if (binding.status === "pirq") irqs.bind(binding.number, 0);
  if (binding.status === "virq") domain.timerChannel = 0;
  events.close(channel);
  return OK;
}

/** What has no other end yet is lost. */
function send({ events }: Domain, channel: number): number {
  const binding = events.binding(channel);
  switch (binding?.status) {
    case "interdomain":
      events.send(binding.peer);
      return OK;
    case "ipi":
      events.send(channel);
      return OK;
    case "unbound":
      return OK;
    default:
      return ERROR.invalid;
  }
}

/** evtchn_status: domain and port; then status, processor, and what depends on the status. */
function tellStatus({ access, events }: Domain, at: number): number {
  const channel = access.read32(at + 4);
  if (!events.exists(channel)) return ERROR.invalid;
  const binding = events.binding(channel);
  access.write32(at + 8, CHANNEL_STATUS[binding?.status ?? "closed"]);
  access.write32(at + 12, FIRST_PROCESSOR);
  if (binding?.status === "pirq" || binding?.status === "virq") access.write32(at + 16, binding.number);
  if (binding?.status === "unbound" || binding?.status === "interdomain") access.write16(at + 16, OWN_NUMBER);
  if (binding?.status === "interdomain") access.write32(at + 20, binding.peer);
  return OK;
}
