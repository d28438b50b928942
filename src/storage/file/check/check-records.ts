import type { ArtifactDescriptor, RunRecord } from '../../../definition/record.js';
import { makeRunIdentifier, paramsFingerprint } from '../../../identity/fingerprint.js';
import { parseObject } from '../formats/lines.js';
import { isRecord, type RecordHead, RecordHeads } from '../formats/record-head.js';
import type { Check } from './finding.js';

const NO_ARTIFACTS = Buffer.from('"artifacts":[]}');

/** What is wrong with a line of a segment of records; undefined where nothing is. */
type Fault = string | undefined;

/** Looks at the lines of an experiment's segments of records. */
export class RecordLinesCheck {
  readonly #check: Check;
  readonly #heads = new RecordHeads();
  readonly #identifiers = new Map<string, ReturnType<typeof makeRunIdentifier>>();
  /** Of the record that was looked at last. */
  artifacts: readonly ArtifactDescriptor[] = [];
  runId = '';

  constructor(check: Check) {
    this.#check = check;
  }

  fault(bytes: Buffer, start: number, end: number): Fault {
    this.artifacts = [];
    const head = this.#heads.read(bytes, start, end, '', 0);
    if (!head) return 'is no record';
    this.runId = head.run_id;
    this.#check.checked.records++;
    if (this.#identify(head) !== head.run_id) return 'its run_id is not the hash of its fingerprints';
    const named = !bytes.subarray(end - NO_ARTIFACTS.length, end).equals(NO_ARTIFACTS);
    if (this.#check.options.quick && !named) return undefined;
    const record = parseObject<RunRecord>(bytes, start, end);
    if (!record || !isRecord(record)) return 'is no JSON, although it begins like a record';
    // Of a run on a cluster they stay there until somebody asks for them.
    const isElsewhere = typeof record.provenance?.environment === 'string';
    this.artifacts = Array.isArray(record.artifacts) && !isElsewhere ? record.artifacts : [];
    if (this.#check.options.quick) return undefined;
    return this.#insideFault(record);
  }

  #insideFault(record: RunRecord): Fault {
    if (record.experiment_id !== this.#check.experimentId) return `is of ${record.experiment_id}`;
    try {
      if (paramsFingerprint(record.params) === record.params_fingerprint) return undefined;
    } catch {
      // No plain JSON: so they are not what was hashed.
    }
    return 'its params are not those of its params_fingerprint';
  }

  #identify(head: RecordHead): string {
    const { context_fingerprint: context, code_fingerprint: code } = head;
    const key = context + code;
    let identify = this.#identifiers.get(key);
    if (!identify) {
      identify = makeRunIdentifier({ experiment_id: this.#check.experimentId, context, code });
      this.#identifiers.set(key, identify);
    }
    return identify(head.params_fingerprint, head.seed_fingerprint);
  }
}
