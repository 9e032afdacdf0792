// ss_memory_check: simulation only: a memory image must be there and complete. Simulators only warn about a missing or
// short $readmemh file and go on with zeros or X; here that ends the simulation.
//
// Method: reads FILE byte by byte at time 0. DEPTH lines, each of 1 to ceil(WIDTH/4) hexadecimal digits, nothing else:
// no comment, no address, no X.
module ss_memory_check #(
    parameter WIDTH = 16,
    parameter DEPTH = 16,
    parameter FILE = ""
);
`ifndef SYNTHESIS
`ifndef FORMAL
    localparam DIGITS = (WIDTH + 3) / 4;
    integer file, c, rows, digits;

    initial begin
        file = $fopen(FILE, "r");
        if (file == 0) $fatal(1, "%m: cannot read the memory image \"%0s\"", FILE);
        rows = 0;
        digits = 0;
        c = $fgetc(file);
        while (c >= 0) begin
            if (c == 10) begin
                if (digits == 0 || digits > DIGITS)
                    $fatal(1, "%m: %0s, line %0d: %0d digits, not 1 to %0d", FILE, rows + 1, digits, DIGITS);
                rows = rows + 1;
                digits = 0;
            end else if ((c >= 48 && c <= 57) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102)) begin
                digits = digits + 1;
            end else begin
                $fatal(1, "%m: %0s, line %0d: character %0d is no hexadecimal digit", FILE, rows + 1, c);
            end
            c = $fgetc(file);
        end
        if (digits != 0) rows = rows + 1;
        if (rows != DEPTH) $fatal(1, "%m: %0s has %0d rows, not %0d", FILE, rows, DEPTH);
        $fclose(file);
    end
`endif
`endif
endmodule
