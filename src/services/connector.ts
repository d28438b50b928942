/** An address that this process can connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A way to a service: directly, or through a tunnel. */
export interface Connector {
  /** An endpoint at which the service answers; opens what that needs. The same while it is open. */
  connect(target: Endpoint): Promise<Endpoint>;
  disconnect(): Promise<void>;
  /** Whether what `connect` gave can still be used. */
  isAlive(): boolean;
}
