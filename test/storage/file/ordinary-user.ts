const isRoot = process.geteuid?.() === 0;
export const ORDINARY_USER = 65_534;

/** Does the work as a user to whom something can be forbidden: tests in containers run as root. */
export async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  if (isRoot) process.seteuid!(ORDINARY_USER);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}
