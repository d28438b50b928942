import { MetalabError } from '../definition/errors.js';

/** What a {@link ServiceError} is made of. */
interface ServiceFault {
  readonly service: string;
  /** What happened to it, e.g. `ended while starting (exit code unknown)`. Passes through Temporal: no secrets, no output. */
  readonly what: string;
  /** The end of its log, for people; '' if there is none. */
  readonly tail: string;
  readonly log: string;
  /** What to do; missing: read its log. As `what`: no secrets. */
  readonly next?: string;
}

/** Thrown when a service can't be started, or can't be ended. Its message has the end of the service's log. */
export class ServiceError extends MetalabError {
  override readonly name = 'ServiceError';
  readonly service: string;
  /** Without the log's end. */
  readonly summary: string;
  /** What to do, where that is more than to read its log. */
  readonly advice: string | null;

  constructor({ service, what, tail, log, next }: ServiceFault, options?: ErrorOptions) {
    const said = tail === '' ? '' : `; the end of its log:\n${tail.replace(/^/gm, '    ')}`;
    super(
      {
        code: 'METALAB_SERVICE_FAILED',
        where: service,
        what: `${what}${said}`,
        next: next ?? `its log is ${log}; \`metalab services logs ${service}\` shows it`,
      },
      options,
    );
    this.service = service;
    this.summary = `${service} ${what}`;
    this.advice = next ?? null;
  }
}
