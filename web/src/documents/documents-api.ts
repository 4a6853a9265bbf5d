/** @file Where the page about documents gets its data. */
import type { DocumentsInfo, DocumentsPage, DocumentsSearch } from "../../../src/serve/index.ts";
import { fetchJson } from "../fetch-here.ts";

export const fetchDocuments = (): Promise<readonly DocumentsInfo[]> =>
  fetchJson<{ documents: readonly DocumentsInfo[] }>("api/documents").then(({ documents }) => documents);

export const fetchPage = (id: string, seed: number): Promise<DocumentsPage> =>
  fetchJson<DocumentsPage>(`api/documents/${id}?seed=${seed}`);

export const search = (id: string, text: string, side: "kept" | "dropped"): Promise<DocumentsSearch> =>
  fetchJson<DocumentsSearch>(`api/documents/${id}/search?${new URLSearchParams({ q: text, side })}`);
