export interface GuestKernel {
  readonly name: string;
}
