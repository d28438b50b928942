/**
 * Minimises ‖A w - b‖² + penalty ‖w‖² by Householder QR of A with √penalty · I below it. Unlike the normal equations it
 * does not square A's condition number (Golub & Van Loan, Matrix Computations, 4th ed., §5.2.2, §5.3.2, §6.1.4).
 *
 * @param rows A, one array a row; at least as many rows as columns unless penalty > 0
 * @param targets b, one number a row
 * @param penalty from 0
 * @returns w, one number a column
 * @throws RangeError when the columns are linearly dependent and the penalty is 0
 */
export function leastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  penalty: number,
): number[] {
  const columns = rows[0]?.length ?? 0;
  const a = rows.map((row) => [...row]);
  const b = [...targets];
  if (penalty > 0) {
    for (let column = 0; column < columns; column++) {
      const row: number[] = new Array(columns).fill(0);
      row[column] = Math.sqrt(penalty);
      a.push(row);
      b.push(0);
    }
  }
  for (let column = 0; column < columns; column++) reflect(a, b, column);
  return backSubstitute(a, b, columns);
}

/** Zeroes a column of `a` below its diagonal by one Householder reflection, applied to `b` as well. In place. */
function reflect(a: number[][], b: number[], column: number): void {
  const v = a.slice(column).map((row) => row[column]!);
  const norm = Math.hypot(...v);
  if (norm < 1e-12 * a.length) throw new RangeError(`column ${column} depends on the columns before it`);
  // The sign that adds, so that nothing cancels.
  v[0]! += v[0]! < 0 ? -norm : norm;
  const squared = v.reduce((sum, value) => sum + value * value, 0);

  for (let other = column; other < a[column]!.length; other++) {
    const factor = (2 / squared) * v.reduce((sum, value, i) => sum + value * a[column + i]![other]!, 0);
    v.forEach((value, i) => {
      a[column + i]![other]! -= factor * value;
    });
  }
  const factor = (2 / squared) * v.reduce((sum, value, i) => sum + value * b[column + i]!, 0);
  v.forEach((value, i) => {
    b[column + i]! -= factor * value;
  });
}

function backSubstitute(r: readonly (readonly number[])[], b: readonly number[], columns: number): number[] {
  const solution: number[] = new Array(columns).fill(0);
  for (let row = columns - 1; row >= 0; row--) {
    let rest = b[row]!;
    for (let column = row + 1; column < columns; column++) rest -= r[row]![column]! * solution[column]!;
    solution[row] = rest / r[row]![row]!;
  }
  return solution;
}
