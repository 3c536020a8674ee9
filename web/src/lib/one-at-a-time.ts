/**
 * Reads one at a time, and once more where it was asked for meanwhile: an answer on its way never covers a newer one, and whoever
 * asks hears of a reading that began after that.
 */
export function oneAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const begin = () => {
    next = undefined;
    return (running = read());
  };
  return () => (next ??= running.then(begin, begin) as Promise<T>);
}
