"""A retail contract on paper that is not there: one page of PDF."""

from __future__ import annotations

from datetime import datetime

from wattdeck.systems.ccee.records import ContractRecord


def pdf(contract: ContractRecord, now: datetime) -> bytes:
    """The contract with its signatures; says that it is simulated."""
    lines = [
        "CONTRATO DE COMERCIALIZAÇÃO VAREJISTA (SIMULADO)",
        "",
        f"Contrato: {contract.id}",
        f"Unidade consumidora: {contract.unit}",
        f"Consumidor: {contract.name or ''}",
        f"Endereço: {contract.address or ''}",
        f"Varejista: {contract.retailer} / {contract.profile}   Distribuidora: {contract.utility}",
        f"Código de autenticidade: {contract.authenticity}",
        "",
        *(f"Assinado por {each.name} ({each.kind}) em {each.at:%d/%m/%Y %H:%M}" for each in contract.signatures),
        "",
        f"Emitido em {now:%d/%m/%Y}. Este documento não tem validade: é de um simulador.",
    ]
    drawn = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    stream = f"BT /F1 11 Tf 16 TL 56 780 Td\n{drawn}ET".encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    body, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, table)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(body)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
