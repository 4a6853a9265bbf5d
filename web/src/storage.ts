/** @file What the page remembers in this browser. A full or forbidden storage makes it forgetful, never broken. */
import { useEffect, useState } from "preact/hooks";

/** What is stored under `key`, if `isValid` knows its shape. */
export function readStored<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): T {
  try {
    const text = localStorage.getItem(key);
    if (text === null) return fallback;
    const value: unknown = JSON.parse(text);
    return isValid(value) ? value : fallback;
  } catch {
    return fallback;
  }
}

export function writeStored(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows and full disks: the value lives as long as the page.
  }
}

export function forgetStored(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was kept there.
  }
}

/** State that survives a reload. What is stored under `key` is used only if `isValid` knows its shape. */
export function useStored<T>(
  key: string,
  fallback: T,
  isValid: (value: unknown) => value is T,
): [T, (update: T | ((value: T) => T)) => void] {
  const [value, setValue] = useState(() => readStored(key, fallback, isValid));
  useEffect(() => {
    // A burst of changes (an answer streaming in) is written once.
    const timer = setTimeout(() => writeStored(key, value), 200);
    return () => clearTimeout(timer);
  }, [key, value]);
  useEffect(() => {
    const flush = (): void => writeStored(key, value);
    addEventListener("pagehide", flush);
    return () => removeEventListener("pagehide", flush);
  }, [key, value]);
  return [value, setValue];
}
