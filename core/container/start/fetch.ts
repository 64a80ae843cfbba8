/**
 * Fetching an image from a registry: manifest, then layers, some at once, over a link; each is unpacked when it has come and all
 * below it are unpacked. A host fetches an image once: others that need it wait for the same layers (content addressing).
 */
import type { LinkId } from "../../host/contracts.js";
import type { Action } from "../../host/event-queue.js";
import type { Host } from "../../host/host.js";
import { pagesOf } from "../../host/host.js";
import { FluidNetwork } from "../../host/network.js";
import { SECOND } from "../../host/time.js";
import { bytesOf, type Layer } from "../images/layer.js";
import { STORAGE_COSTS } from "../storage/driver-costs.js";
import { PULL_COSTS } from "./costs.js";

export interface RegistryOptions {
  /** Of the link to the registry, bytes a second. */
  readonly bandwidth: number;
  /** One way, ns. */
  readonly latency: number;
  /** Bytes of files that one processor unpacks in a second: decompression, digests, archive. */
  readonly unpackRate: number;
}

export class ImageFetch {
  /** When the last layer had come; 0 until then. */
  downloadedAt = 0;
  downloadedBytes = 0;
  private readonly network: FluidNetwork;
  private readonly link: LinkId;
  private readonly thread: number;
  private readonly waiting: { readonly done: Action; readonly argument: number }[] = [];
  private readonly hasCome: boolean[] = [];
  private state: "absent" | "coming" | "there" = "absent";
  private asked = 0;
  private come = 0;
  private unpacked = 0;
  private isUnpacking = false;

  constructor(
    private readonly host: Host,
    private readonly layers: readonly Layer[],
    private readonly options: RegistryOptions,
  ) {
    this.network = new FluidNetwork(host.clock);
    this.link = this.network.addLink(options.bandwidth, options.latency);
    this.thread = host.scheduler.addThread({ group: 0 });
  }

  /** Calls `done(argument)` when the image is there, fetching it if nobody has begun. */
  need(done: Action, argument: number): void {
    if (this.state === "there") {
      done(argument);
      return;
    }
    this.waiting.push({ done, argument });
    if (this.state === "coming") return;
    this.state = "coming";
    const talk = PULL_COSTS.roundTrips.value * 2 * this.options.latency;
    this.host.clock.after(talk, () => {
      for (let i = 0; i < PULL_COSTS.parallel.value; i++) this.download();
    });
  }

  private download(): void {
    const index = this.asked;
    const layer = this.layers[index];
    if (layer === undefined) return;
    this.asked++;
    this.network.transfer([this.link], Math.max(1, layer.compressedBytes), this.arrived, index);
  }

  private readonly arrived = (index: number): void => {
    this.hasCome[index] = true;
    this.downloadedBytes += this.layers[index]!.compressedBytes;
    this.come++;
    if (this.come === this.layers.length) this.downloadedAt = this.host.clock.now;
    this.download();
    this.unpackNext();
  };

  private unpackNext(): void {
    if (this.isUnpacking || this.hasCome[this.unpacked] !== true) return;
    this.isUnpacking = true;
    const layer = this.layers[this.unpacked]!;
    const bytes = bytesOf(layer);
    const work =
      (bytes / this.options.unpackRate) * SECOND + layer.files.length * STORAGE_COSTS.createFile.value;
    this.host.scheduler.run(this.thread, work, this.written, bytes);
  }

  private readonly written = (bytes: number): void => {
    const { host } = this;
    const layer = this.layers[this.unpacked]!;
    const file = host.file(`/layers/${layer.digest}`, bytes, layer.digest);
    host.memory.touch(file, 0, pagesOf(bytes), true);
    host.disk.submit(host.cache, bytes, true, nothing, 0); // written back later: nobody waits
    this.isUnpacking = false;
    this.unpacked++;
    if (this.unpacked < this.layers.length) this.unpackNext();
    else this.finish();
  };

  private finish(): void {
    this.state = "there";
    for (const { done, argument } of this.waiting) done(argument);
    this.waiting.length = 0;
  }
}

function nothing(): void {}
