"""The region of the world that a country lies in, by the United Nations' standard M49.

Regions are those of two to four dozen countries at most: the sub-regions of M49, and its
intermediate ones in Africa and America. https://unstats.un.org/unsd/methodology/m49
"""

from __future__ import annotations

from collections.abc import Mapping

_REGIONS = {
    "Northern Africa": "DZA EGY ESH LBY MAR SDN TUN",
    "Eastern Africa": "ATF BDI COM DJI ERI ETH IOT KEN MDG MOZ MUS MWI MYT REU RWA SOM SSD SYC TZA "
    "UGA ZMB ZWE",
    "Middle Africa": "AGO CAF CMR COD COG GAB GNQ STP TCD",
    "Southern Africa": "BWA LSO NAM SWZ ZAF",
    "Western Africa": "BEN BFA CIV CPV GHA GIN GMB GNB LBR MLI MRT NER NGA SEN SHN SLE TGO",
    "Caribbean": "ABW AIA ATG BES BHS BLM BRB CUB CUW CYM DMA DOM GLP GRD HTI JAM KNA LCA MAF MSR "
    "MTQ PRI SXM TCA TTO VCT VGB VIR",
    "Central America": "BLZ CRI GTM HND MEX NIC PAN SLV",
    "South America": "ARG BOL BRA BVT CHL COL ECU FLK GUF GUY PER PRY SGS SUR URY VEN",
    "Northern America": "BMU CAN GRL SPM USA",
    "Central Asia": "KAZ KGZ TJK TKM UZB",
    "Eastern Asia": "CHN HKG JPN KOR MAC MNG PRK TWN",
    "South-eastern Asia": "BRN IDN KHM LAO MMR MYS PHL SGP THA TLS VNM",
    "Southern Asia": "AFG BGD BTN IND IRN LKA MDV NPL PAK",
    "Western Asia": "ARE ARM AZE BHR CYP GEO IRQ ISR JOR KWT LBN OMN PSE QAT SAU SYR TUR YEM",
    "Eastern Europe": "BGR BLR CSK CZE HUN MDA POL ROU RUS SUN SVK UKR",
    "Northern Europe": "ALA DNK EST FIN FRO GBR GGY IMN IRL ISL JEY LTU LVA NOR SJM SWE",
    "Southern Europe": "ALB AND BIH ESP GIB GRC HRV ITA MKD MLT MNE PRT SCG SMR SRB SVN VAT XKX "
    "YUG",
    "Western Europe": "AUT BEL CHE DDR DEU FRA LIE LUX MCO NLD",
    "Australia and New Zealand": "AUS CCK CXR HMD NFK NZL",
    "Melanesia": "FJI NCL PNG SLB VUT",
    "Micronesia": "FSM GUM KIR MHL MNP NRU PLW UMI",
    "Polynesia": "ASM COK NIU PCN PYF TKL TON TUV WLF WSM",
}

REGIONS: Mapping[str, str] = {
    code: region for region, codes in _REGIONS.items() for code in codes.split()
}
"""By ISO 3166-1 alpha-3 code. Taiwan and Kosovo, of which M49 does not speak, are where they lie;
so are five states that are no more."""
